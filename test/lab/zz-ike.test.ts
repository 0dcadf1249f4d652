import { it } from 'vitest';
import { article, HOST_B, HOST_A, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Charon } from '../helpers/ike.js';
import { Guest } from '../helpers/guest.js';
import { nstat } from '../helpers/kernel.js';
import { pskCarrier } from '../helpers/ike-site.js';
import { tunnelEnds, upBoth } from '../helpers/tunnel.js';
it('x', async () => {
  await using guest = await Guest.boot('6.1');
  await guest.run(['sysctl', '-w', 'net.core.rmem_max=8388608', 'net.core.wmem_max=8388608']);
  const net = await article(guest);
  const { rA, rB, hA, hB } = net;
  try {
    const a = await Charon.start(rA); const b = await Charon.start(rB);
    const carrier = await pskCarrier(net, 'both', { rekey: 20 });
    const ends = await tunnelEnds(net, { carrier, engine: 'nfqueue' });
    await upBoth(ends);
    for (const [size, what] of [[1472, 'clear-df'], [1200, 'small']] as const) {
      const all = [hA, rA, rB, hB];
      const before = await Promise.all(all.map(nstat));
      const s = hB.spawn('iperf3', ['-s', '-1', '-p', '5211', '--forceflush']); await s.says(/listening/);
      console.log('date', (await guest.run(['date','+%s.%N'])).stdout);
      const ran = await hA.try('iperf3', ['-c', HOST_B, '-p', '5211', '-J', '-t', '45', '-u', '-b', '1M', '-l', String(size), '-w', '2M', '--get-server-output'], 160000); const udp = JSON.parse(ran.stdout); if (udp.error) console.log(udp.error);
      await s.stop();
      const after = await Promise.all(all.map(nstat));
      console.log(what, JSON.stringify(udp.end.sum), udp.start.timestamp.timesecs);
      const so = udp.server_output_json ?? {};
      console.log((so.intervals ?? []).map((i: any) => `${i.sum.start.toFixed(0)}:${i.sum.lost_packets}/${i.sum.packets}`).join(' '), String(udp.server_output_text ?? '').slice(0, 6000));
      all.forEach((n, i) => console.log(n.name, ['UdpInDatagrams','UdpOutDatagrams','UdpInErrors','UdpRcvbufErrors','IpReasmFails','IpReasmOKs','IpFragCreates','IpFragFails','IpInDiscards','IpOutDiscards'].map((k) => `${k}=${after[i]!(k) - before[i]!(k)}`).join(' ')));
      for (const r of [rA, rB]) { console.log(await r.exec('sh', ['-c', "grep -v ' 0$' /proc/net/xfrm_stat; cat /proc/net/netfilter/nfnetlink_queue; ip -s link show gretap1; ip -s link show eth1; grep -c . /proc/net/softnet_stat; cat /proc/net/softnet_stat"])); }
    }
    for (const end of ends) console.log(JSON.stringify((await end.daemon.stats()).totals));
    console.log((await a.words()).split('\n').filter((l) => /CHILD_SA.*(established|closed)|closing/.test(l)).join('\n'));
  } finally { await net.lab[Symbol.asyncDispose](); }
}, 400_000);
