/**
 * loop.cjs QUEUE RECEIVE-BUFFER
 *
 * The article's way in JavaScript, by the npm package nfqueue: one callback and one verdict for each packet, the
 * whole packet in both.
 */
const nfqueue = require('nfqueue');

const DF = 0x40;

function headerChecksum(bytes, length) {
  let sum = 0;
  for (let at = 0; at < length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

nfqueue.createQueueHandler(Number(process.argv[2]), Number(process.argv[3]), (packet) => {
  const bytes = packet.payload;
  if (bytes.length >= 20 && (bytes[6] & DF) !== 0) {
    bytes[6] &= ~DF;
    bytes.writeUInt16BE(1 + Math.floor(Math.random() * 65535), 4);
    bytes.writeUInt16BE(0, 10);
    bytes.writeUInt16BE(headerChecksum(bytes, (bytes[0] & 0x0f) * 4), 10);
  }
  packet.setVerdict(nfqueue.NF_ACCEPT, null, bytes);
});
console.log('ready');
