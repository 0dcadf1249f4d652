"""Sound packets: those with DF set are cleared, but for one kind."""

from pieces import Packet, Pieces, seal
from scapy.layers.inet import IP, TCP, UDP, IPOption, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, ESP
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw


class Sound(Pieces):
    def transport(self):
        df = self.any_df()
        kind = self.random.choice(['udp', 'tcp', 'icmp', 'sctp'])
        network = bytes(self.ip(df) / getattr(self, kind)())
        return self.by_df(kind, df, network, transport='good' if kind in ('udp', 'tcp') else None)

    def bad_transport(self):
        """The rules must not look at a finished transport checksum, let alone mend it."""
        upper = self.random.choice([self.udp, self.tcp])()
        good = IP(bytes(self.ip(True) / upper))
        good[type(upper)].chksum ^= 0x0101
        if good[type(upper)].chksum == 0:
            good[type(upper)].chksum = 0x0101
        return Packet('wrong transport checksum', 'cleared', bytes(good), transport='bad')

    def no_udp_checksum(self):
        upper = self.udp()
        upper.chksum = 0
        return Packet('udp without checksum', 'cleared', bytes(self.ip(True) / upper))

    def fragment(self):
        df = self.any_df()
        upper = UDP(sport=1024, dport=1025) / Raw(self.random.randbytes(self.random.randrange(600, 1300)))
        parts = fragment(self.ip(df) / upper, fragsize=self.random.choice([64, 200]))
        place = self.random.choice(['first', 'middle', 'last'])
        part = {'first': parts[0], 'middle': parts[len(parts) // 2], 'last': parts[-1]}[place]
        return self.by_df(f'{place} fragment', df, bytes(part), fragments=df)

    def options(self):
        df = self.any_df()
        size = self.random.randrange(1, 41)
        kind = self.random.choice(['nop', 'record route', 'timestamp', 'router alert', 'unknown'])
        option = {
            'nop': b'\x01' * size,
            'record route': b'\x07\x07\x04' + bytes(4),
            'timestamp': b'\x44\x0c\x05\x00' + bytes(8),
            'router alert': b'\x94\x04\x00\x00',
            'unknown': bytes([0x9E, max(size, 2)]) + self.random.randbytes(max(size, 2) - 2),
        }[kind]
        network = bytes(self.ip(df, options=[IPOption(option)]) / self.udp())
        return self.by_df(f'option {kind}', df, network, transport='good')

    def ah(self):
        df = self.any_df()
        number = self.random.choice([0, 1, 0x8000, 0xFFFF, self.random.randrange(1, 0x10000)])
        header = AH(nh=17, spi=0x1000, seq=self.turn, icv=self.random.randbytes(12), payloadlen=4)
        network = bytes(self.ip(df, id=number, proto=51) / header / self.udp())
        if df and number == 0:
            return Packet('ah, identification 0', 'ahPassed', network)
        return self.by_df('ah', df, network)

    def ah_fragment(self):
        """A fragment comes before AH in the table: whatever its identification is, it stays."""
        ip = self.ip(True, id=self.random.choice([0, 77]), proto=51, frag=self.random.randrange(1, 100))
        return Packet('ah, fragment', 'cleared', bytes(ip / Raw(self.random.randbytes(64))), fragments=True)

    def esp(self):
        df = self.any_df()
        data = self.random.randbytes(self.random.randrange(16, 1200))
        return self.by_df('esp', df, bytes(self.ip(df) / ESP(spi=0x2000, seq=self.turn, data=data)))

    def gre(self):
        """All 40 of flags and payloads, one after the other."""
        df = self.any_df()
        flags = self.turn % 8
        inner = self.ip(self.any_df()) / self.udp()
        inner6 = IPv6(src='2001:db8::1', dst='2001:db8::2') / self.tcp()
        ether = Ether(src='02:00:00:00:00:03', dst='02:00:00:00:00:04')
        name, proto, payload = [
            ('ipv4', 0x0800, inner),
            ('ipv6', 0x86DD, inner6),
            ('ethernet', 0x6558, ether / inner),
            ('vlan', 0x6558, ether / Dot1Q(vlan=5) / inner),
            ('qinq', 0x6558, ether / Dot1AD(vlan=6) / Dot1Q(vlan=5) / inner6),
        ][self.turn // 8 % 5]
        header = GRE(
            proto=proto,
            chksum_present=flags & 1,
            key_present=flags >> 1 & 1,
            seqnum_present=flags >> 2 & 1,
            key=0xC0FFEE if flags & 2 else None,
            sequence_number=self.turn if flags & 4 else None,
        )
        self.turn += 1
        return self.by_df(f'gre {"C" * (flags & 1)}{"K" * (flags >> 1 & 1)}{"S" * (flags >> 2)} {name}',
                          df, bytes(self.ip(df) / header / payload))

    def ipv6(self):
        packet = IPv6(src='2001:db8::1', dst='2001:db8::2') / self.random.choice([self.udp, self.tcp])()
        return Packet('ipv6', 'notIpv4', bytes(packet), ethertype=0x86DD)

    def reserved_flag(self):
        """The bit above DF (RFC 791: must be zero) is not ours to touch."""
        network = bytearray(self.whole())
        network[6] |= 0x80
        return Packet('reserved flag', 'cleared', seal(network), transport='good')

    def checksum_zero(self):
        """The identification that makes the header checksum 0, which may also stand there as 0xffff."""
        network = bytearray(self.whole(id=0))
        network[4:6] = network[10:12]
        network[10:12] = self.random.choice([b'\x00\x00', b'\xff\xff'])
        return Packet('header checksum 0', 'cleared', bytes(network), transport='good')

    def padded(self):
        """A small packet in an Ethernet frame of 60 bytes, or one with a trailer."""
        df = self.any_df()
        network = bytes(self.ip(df) / UDP(sport=1024, dport=1025) / Raw(self.random.randbytes(self.random.randrange(18))))
        packet = self.by_df('ethernet padding', df, network, transport='good')
        trailer = self.random.choice([0, 0, 4, self.random.randrange(40)])
        packet.padding = bytes(max(0, 46 - len(network))) + self.random.randbytes(trailer)
        return packet

    def tagged(self):
        df = self.any_df()
        tags = self.random.choice([((0x8100, 5),), ((0x88A8, 6), (0x8100, 5)), ((0x8100, 6), (0x8100, 5))])
        return self.by_df(f'{len(tags)} vlan tags', df, self.whole(df), transport='good', tags=tags)
