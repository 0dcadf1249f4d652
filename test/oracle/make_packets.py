#!/usr/bin/python3
"""Make captures of packets of every class that the rules tell apart, with scapy.

usage: make_packets.py FOLDER SEED COUNT

Writes FOLDER/ethernet.pcap with COUNT frames, and raw.pcap, sll.pcap and
sll2.pcap with the IP packets of the first of them behind other link layers.
Beside each X.pcap lies X.jsonl: per frame its class, the counter that the rules
owe it and where its IP header starts. The counter follows from how the packet
was made; nothing here reads a packet back.

The same seed gives the same bytes.
"""

import json
import struct
import sys
from pathlib import Path

from sound import Sound
from unsound import Garbage, Unsound

MACS = bytes.fromhex('020000000001020000000002')
OTHER_LINKS = {
    # file: LINKTYPE_ number, header in front of the protocol, header behind it
    'raw': (101, None, None),
    'sll': (113, bytes.fromhex('0000000100060200000000010000'), b''),
    'sll2': (276, b'', bytes.fromhex('000000000002000100060200000000010000')),
}
OTHER_LINK_FRAMES = 2000


class Maker(Sound, Unsound, Garbage):
    # How often each kind is made, in relation.
    WEIGHTS = {
        'transport': 30, 'bad_transport': 3, 'no_udp_checksum': 2, 'fragment': 10, 'options': 6, 'ah': 5,
        'ah_fragment': 1, 'esp': 4, 'gre': 12, 'ipv6': 4, 'reserved_flag': 1, 'checksum_zero': 2, 'padded': 4,
        'tagged': 4, 'wrong_checksum': 5, 'wrong_version': 3, 'short_ihl': 2, 'long_ihl': 1, 'short_total': 1,
        'short_total_options': 1, 'long_total': 2, 'snapped': 4, 'snapped_padding': 1, 'snapped_header': 2,
        'snapped_link': 1, 'not_ip': 2, 'lying_ethertype': 1, 'garbage': 2, 'garbage_header': 5, 'scrambled': 5,
    }

    def packets(self, count):
        makers, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        for _ in range(count):
            yield getattr(self, self.random.choices(makers, weights)[0])()


class Capture:
    """A pcap file and the labels beside it."""

    def __init__(self, folder, name, link_type):
        self.file = open(folder / f'{name}.pcap', 'wb')
        self.labels = open(folder / f'{name}.jsonl', 'w')
        self.file.write(struct.pack('<IHHiIII', 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
        self.count = 0

    def write(self, link, packet):
        frame = link + packet.network + packet.padding
        captured = frame if packet.captured is None else frame[:max(0, len(link) + packet.captured)]
        self.file.write(struct.pack('<IIII', 1700000000 + self.count, self.count % 1000000, len(captured), len(frame)))
        self.file.write(captured)
        label = {'class': packet.kind, 'expected': packet.expected, 'fragments': packet.fragments,
                 'transport': packet.transport, 'network': len(link)}
        self.labels.write(json.dumps(label) + '\n')
        self.count += 1

    def close(self):
        self.file.close()
        self.labels.close()


def ethernet(packet):
    tags = b''.join(struct.pack('!HH', protocol, tag) for protocol, tag in packet.tags)
    return MACS + tags + struct.pack('!H', packet.ethertype)


def main():
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    main_capture = Capture(folder, 'ethernet', 1)
    others = {name: Capture(folder, name, link[0]) for name, link in OTHER_LINKS.items()}
    for packet in Maker(seed).packets(count):
        main_capture.write(ethernet(packet), packet)
        # Behind other links only what is IP by its announcement as well, and not cut in the link header.
        if packet.expected == 'notIp' or packet.tags or others['raw'].count == OTHER_LINK_FRAMES:
            continue
        for name, (_, before, behind) in OTHER_LINKS.items():
            protocol = struct.pack('!H', packet.ethertype)
            others[name].write(b'' if before is None else before + protocol + behind, packet)
    for capture in [main_capture, *others.values()]:
        capture.close()


if __name__ == '__main__':
    main()
