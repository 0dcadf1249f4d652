"""What every packet is made of."""

import random
import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw
from scapy.utils import checksum


class Packet:
    """What stands in the capture, and what the rules owe it."""

    def __init__(self, kind, expected, network, *, fragments=False, transport=None, ethertype=0x0800, tags=()):
        self.kind = kind
        self.expected = expected
        self.network = network  # bytes from the network header on
        self.fragments = fragments
        self.transport = transport  # 'good' or 'bad': its TCP or UDP checksum, where there is a whole one
        self.ethertype = ethertype
        self.tags = tags  # (tag protocol, tag) outermost first
        self.padding = b''
        self.captured = None  # bytes kept from the network header on; all of them when None


class Pieces:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.turn = 0

    def payload(self, largest=1400):
        size = self.random.choice([0, 1, 7, 64, 511, self.random.randrange(largest), self.random.randrange(largest)])
        return Raw(self.random.randbytes(size))

    def identification(self):
        return self.random.choice([0, 0xFFFF, 1, *(self.random.randrange(0x10000) for _ in range(4))])

    def ip(self, df, **fields):
        """A header from few addresses, so that (source, destination, protocol) repeats."""
        fields.setdefault('id', self.identification())
        return IP(
            src=f'10.0.0.{self.random.randrange(1, 7)}',
            dst=f'192.0.2.{self.random.randrange(1, 5)}',
            tos=self.random.choice([0, 0, 3, 0xB8]),
            ttl=self.random.randrange(1, 256),
            flags='DF' if df else 0,
            **fields,
        )

    def udp(self):
        return UDP(sport=self.random.randrange(20000, 40000), dport=self.random.randrange(40000, 60000)) / self.payload()

    def tcp(self):
        ports = {'sport': self.random.randrange(20000, 40000), 'dport': self.random.randrange(40000, 60000)}
        return TCP(seq=self.random.randrange(1 << 32), ack=1, flags='PA', **ports) / self.payload()

    def icmp(self):
        return ICMP(type=self.random.choice([0, 8]), id=self.random.randrange(0x10000)) / self.payload()

    def sctp(self):
        chunk = SCTPChunkData(data=self.random.randbytes(self.random.randrange(1, 200)))
        return SCTP(sport=2905, dport=2906, tag=7) / chunk

    def whole(self, df=True, **fields):
        """A sound packet with a TCP or UDP checksum, as bytes."""
        return bytes(self.ip(df, **fields) / self.random.choice([self.udp, self.tcp])())

    def any_df(self):
        return self.random.random() < 0.7

    def by_df(self, kind, df, network, **more):
        return Packet(f'{kind}, DF {"set" if df else "clear"}', 'cleared' if df else 'alreadyClear', network, **more)


def seal(network):
    """Give a header, as long as its IHL says but never beyond the end, the checksum that belongs to it."""
    size = min(max(20, (network[0] & 15) * 4), len(network))
    network[10:12] = b'\x00\x00'
    network[10:12] = struct.pack('!H', checksum(bytes(network[:size])))
    return bytes(network)
