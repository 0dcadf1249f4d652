#!/usr/bin/python3
"""Writes the first inputs of each fuzz target, from which fuzzing goes on.

Run from the project's folder; `npm run fuzz -- --keep` adds to what it wrote.
"""
import pathlib
import struct

from scapy.all import GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw

CORPUS = pathlib.Path(__file__).parent / 'corpus'


def partial(packet, layer):
    """The datagram's checksum field as the kernel leaves it to the hardware."""
    ip = packet[layer].underlayer
    packet[layer].chksum = 0
    body = bytes(packet[layer])
    if ip.name == 'IPv6':
        addresses = bytes(IPv6(src=ip.src, dst=ip.dst))[8:40]
    else:
        addresses = bytes(IP(src=ip.src, dst=ip.dst))[12:20]
    pseudo = addresses + struct.pack('!HH', 6 if layer is TCP else 17, len(body))
    total = sum(struct.unpack(f'!{len(pseudo) // 2}H', pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    packet[layer].chksum = total
    return bytes(packet)


def packets():
    df = {'src': '10.1.0.2', 'dst': '10.2.0.2', 'flags': 'DF', 'id': 0}
    inner = {'plain': IP(**df), 'six': IPv6(src='fd00::1', dst='fd00::2')}
    yield 'udp', bytes(IP(**df) / UDP(dport=9) / Raw(b'x' * 33)), 0
    yield 'fragment', bytes(IP(**{**df, 'flags': 'DF+MF'}) / Raw(b'x' * 24)), 0
    yield 'options', bytes(IP(**df, options=b'\x07\x07\x04' + bytes(5)) / UDP()), 0
    yield 'ah', bytes(IP(**{**df, 'id': 7}, proto=51) / Raw(bytes(24))), 0
    for layer, name in ((TCP, 'tcp'), (UDP, 'udp')):
        yield f'{name}-partial', partial(IP(**df) / layer() / Raw(b'y' * 21), layer), 1
        for kind, ip in inner.items():
            for tags in range(3):
                frame = Ether()
                for _ in range(tags):
                    frame = frame / Dot1Q(vlan=7)
                packet = IP(**df) / GRE(chksum_present=tags == 1, key_present=tags == 2)
                packet = packet / frame / ip / layer() / Raw(b'z' * 19)
                yield f'gre-{kind}-{name}-{tags}', partial(packet, layer), 1


def attribute(kind, body):
    return struct.pack('=HH', 4 + len(body), kind) + body + bytes(-len(body) % 4)


def message(packet, flags):
    body = struct.pack('=BBH', 2, 0, 0)
    body += attribute(1, struct.pack('!IHB', 5, 0x0800, 2))
    body += attribute(14, struct.pack('!I', flags)) + attribute(10, packet)
    return struct.pack('=IHHII', 16 + len(body), 0x0300, 0, 0, 0) + body


def probe_answers():
    """What comes back because of the request of fuzz_probe.c."""
    request = IP(src='10.1.0.2', dst='10.2.2.2', flags='DF', id=2) / ICMP(id=0, seq=1) / Raw(bytes(16))
    later = IP(src='10.1.0.2', dst='10.2.2.2', frag=2, id=3, proto=1) / Raw(bytes(16))
    router = IP(src='10.0.0.1', dst='10.1.0.2')
    yield 'answer', IP(src='10.2.2.2', dst='10.1.0.2') / ICMP(type=0, id=0, seq=1) / Raw(bytes(16))
    yield 'frag-needed', router / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(bytes(request))
    yield 'frag-needed-short', router / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(bytes(request)[:28])
    yield 'prohibited', router / ICMP(type=3, code=13) / Raw(bytes(request))
    yield 'reassembly', IP(src='10.2.2.2', dst='10.1.0.2') / ICMP(type=11, code=1) / Raw(bytes(later)[:28])


def main():
    for target in ('fuzz_clear', 'fuzz_message', 'fuzz_probe'):
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
    for name, packet, flags in packets():
        (CORPUS / 'fuzz_clear' / name).write_bytes(bytes([flags | 0x10, 0, 0, 0]) + packet)
        (CORPUS / 'fuzz_message' / name).write_bytes(message(packet, flags))
    for name, packet in probe_answers():
        (CORPUS / 'fuzz_probe' / name).write_bytes(bytes(packet))


if __name__ == '__main__':
    main()
