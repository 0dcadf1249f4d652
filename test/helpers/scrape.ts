/** Reads a daemon's pages of statistics as often as a monitor does in an hour, and throws them away. */
import type { Namespace } from './netns.js';

/** One process, as each costs more than the pages. */
const SCRAPE = `
import socket, sys
for page in int(sys.argv[1]) * ['metrics', 'stats']:
    with socket.create_connection(('127.0.0.1', 9857)) as asked:
        asked.sendall(f'GET /{page} HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n'.encode())
        with asked.makefile('rb') as answer:
            if not answer.read().startswith(b'HTTP/1.1 200'):
                sys.exit(1)
`;

/** @param readings of /metrics and of /stats */
export async function scrape(at: Namespace, readings: number): Promise<void> {
  await at.exec('/usr/bin/python3', ['-c', SCRAPE, String(readings)]);
}
