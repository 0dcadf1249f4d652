"""Packets that must pass as they are, and those whose fate only the reference tells."""

import struct

from pieces import Packet, Pieces, seal
from scapy.layers.inet import IP, UDP, IPOption
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw


class Unsound(Pieces):
    def wrong_checksum(self):
        network = bytearray(self.whole(self.any_df()))
        right = struct.unpack_from('!H', network, 10)[0]
        wrong = self.random.choice([n for n in (right ^ 1, right ^ 0x4000, 0, self.random.randrange(0x10000))
                                    if n % 0xFFFF != right % 0xFFFF])
        struct.pack_into('!H', network, 10, wrong)
        return Packet('wrong header checksum', 'badChecksum', bytes(network))

    def wrong_version(self):
        version = self.random.choice([n for n in range(16) if n != 4])
        network = bytearray(self.whole())
        network[0] = version << 4 | network[0] & 15
        return Packet(f'version {version}', 'notIpv4' if version == 6 else 'malformed', seal(network))

    def short_ihl(self):
        network = bytearray(self.whole())
        network[0] = 0x40 | self.random.randrange(5)
        return Packet('ihl below 5', 'malformed', seal(network))

    def long_ihl(self):
        network = bytearray(bytes(self.ip(True) / Raw(self.random.randbytes(self.random.randrange(4)))))
        network[0] = 0x40 | self.random.randrange(6, 16)
        return Packet('ihl beyond the end', 'malformed', bytes(network))

    def short_total(self):
        network = bytearray(self.whole())
        struct.pack_into('!H', network, 2, self.random.randrange(20))
        return Packet('total length below header', 'malformed', seal(network))

    def short_total_options(self):
        network = bytearray(bytes(self.ip(True, options=[IPOption(b'\x01' * 12)]) / self.udp()))
        struct.pack_into('!H', network, 2, self.random.randrange(20, 32))
        return Packet('total length below header with options', 'malformed', seal(network))

    def long_total(self):
        network = bytearray(self.whole())
        beyond = len(network) + self.random.choice([1, 2, 100, self.random.randrange(1, 5000)])
        struct.pack_into('!H', network, 2, beyond)
        return Packet('total length beyond the end', 'malformed', seal(network))

    def snapped(self):
        """Cut by the capture's snapshot length, behind the header."""
        packet = Packet('cut short', 'truncated', self.whole(self.any_df()))
        packet.captured = self.random.choice([20, len(packet.network) - 1, self.random.randrange(20, len(packet.network))])
        return packet

    def snapped_padding(self):
        """Only padding is missing, but what was captured still is not what was sent."""
        packet = Packet('cut in the padding', 'truncated', bytes(self.ip(True) / UDP()))
        packet.padding = bytes(18)
        packet.captured = len(packet.network) + self.random.randrange(18)
        return packet

    def snapped_header(self):
        packet = Packet('cut within the header', 'truncated', self.whole())
        packet.captured = self.random.randrange(20)
        return packet

    def snapped_link(self):
        packet = Packet('cut within the link header', 'notIp', self.whole())
        packet.captured = -self.random.randrange(1, 15)
        return packet

    def not_ip(self):
        ethertype = self.random.choice([0x0806, 0x88CC, 0x0026, 0x8847, 0x9000])
        return Packet('not ip', 'notIp', self.random.randbytes(self.random.randrange(100)), ethertype=ethertype)

    def lying_ethertype(self):
        """Sound IPv4 announced as IPv6: no receiver would take it."""
        return Packet('ipv4 announced as ipv6', 'notIp', self.whole(), ethertype=0x86DD)


class Garbage(Pieces):
    """Nobody knows what these are; the two implementations must agree on them all the same."""

    def garbage(self):
        return Packet('garbage', None, self.random.randbytes(self.random.randrange(120)))

    def garbage_header(self):
        """Random, but with version, lengths and checksum often right, so that it gets far."""
        network = bytearray(self.random.randbytes(self.random.randrange(20, 160)))
        network[0] = 0x40 | self.random.choice([5, 5, 5, 6, 15, self.random.randrange(16)])
        if self.random.random() < 0.8:
            struct.pack_into('!H', network, 2, self.random.choice([len(network), self.random.randrange(200)]))
        packet = Packet('garbage header', None, seal(network) if self.random.random() < 0.8 else bytes(network))
        if self.random.random() < 0.2:
            packet.captured = self.random.randrange(len(network))
        return packet

    def scrambled(self):
        """A sound packet with one byte of its header changed."""
        network = bytearray(self.whole(self.any_df()))
        network[self.random.randrange(20)] = self.random.randrange(256)
        return Packet('scrambled', None, bytes(network) if self.random.random() < 0.5 else seal(network))
