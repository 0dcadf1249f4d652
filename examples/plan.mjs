// What a tunnel between two sites takes, as data: for your own provisioning.
//
//   node examples/plan.mjs [--json]
//
// Needs no rights and changes nothing.
import { ClearDfError, plan } from 'clear-df/plan';

try {
  const { engine, steps, sizes, cuts, notes } = plan(
    {
      name: 'site-a',
      local: '192.168.200.1',
      remote: '172.16.0.1',
      underlay: 'eth1',
      bridge: { ports: ['eth0'] },
      carrier: { type: 'esp', mode: 'transport', keys: 'external' },
      engine: 'tunnel-flag',
    },
    { machine: { pathMtu: 1500 } },
  );
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ engine, steps, sizes, cuts, notes }, null, 2));
  } else {
    for (const { desired, text } of steps) console.log(`${desired}\n${text.map((line) => `  ${line}`).join('\n')}`);
    const wire = sizes.wire.map(({ length }) => length).join(' + ');
    console.log(`${steps.length} steps, engine ${engine}; ${sizes.inner} bytes become ${wire} on the wire`);
  }
} catch (error) {
  if (!(error instanceof ClearDfError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
