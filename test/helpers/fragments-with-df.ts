/** Fragments that come with DF, as some NFS clients send them. */

/**
 * A program of Python's that sends three datagrams of 2824 bytes, each in two fragments with DF, of which the first does
 * not fit 1400 bytes.
 */
export const fragmentsWithDf = (from: string, to: string): string => `
import socket, struct
payload = struct.pack('!HHHH', 900, 2049, 8 + 2816, 0) + bytes(2816)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for identification in (4001, 4002, 4003):
    for at in range(0, len(payload), 1480):
        part = payload[at:at + 1480]
        more = 0x2000 if at + 1480 < len(payload) else 0
        header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(part), identification, 0x4000 | more | at // 8, 64, 17, 0,
                             socket.inet_aton('${from}'), socket.inet_aton('${to}'))
        raw.sendto(header + part, ('${to}', 0))
`;
