/** Answers → the files that say them. Pure. */
import { type Answers, otherEnd } from './questions.js';

export interface SetupFile {
  /** In the folder that is asked for. */
  name: string;
  text: string;
  /** For which router it is. */
  for: 'this' | 'other';
}

/** Site files of both ends, or the options of a run. */
export function filesOf(answers: Answers): SetupFile[] {
  if (answers.purpose !== 'bridge') return [{ name: 'clear-df.yaml', text: optionsText(answers), for: 'this' }];
  const { name = '', local = '', remote = '' } = answers;
  const mirrored = { ...answers, local: remote, remote: local, name: otherEnd(name) };
  return [
    { name: `${name}.yaml`, text: siteText(answers, name), for: 'this' },
    { name: `${otherEnd(name)}.yaml`, text: siteText(mirrored, name, true), for: 'other' },
  ];
}

/** @param secret name of the file of keys, which is one for both ends */
function siteText(answers: Answers, secret: string, other = false): string {
  const { name, local, remote, underlay, port, carrier } = answers;
  const check = other ? '  # as on the first router: check it' : '';
  const move = answers['move-addresses'] === 'yes' ? ', move-addresses: true' : '';
  return [
    `# One end of a bridged tunnel: clear-df-site(5). ${other ? 'For the other router.' : 'Written by clear-df setup.'}`,
    `name: ${name}`,
    `local: ${local}`,
    `remote: ${remote}`,
    `underlay: ${underlay}${check}`,
    `bridge: { ports: [${port}]${move} }${check}`,
    ...carrierLines(carrier, secret),
    '',
  ].join('\n');
}

function carrierLines(carrier: string | undefined, secret: string): string[] {
  if (carrier === undefined || carrier === 'plain') return ['carrier: plain'];
  const esp = ['carrier:', '  type: esp', '  mode: transport', '  cipher: aes-gcm-256'];
  return [...esp, carrier === 'ike' ? `  ike: { psk: ${secret}.psk }` : `  keys: ${secret}.keys`];
}

function optionsText(answers: Answers): string {
  const path = answers.purpose === 'path';
  return [
    '# Options of clear-df run: clear-df.yaml(5). Written by clear-df setup.',
    `queue: ${answers.queue}`,
    'install-rules: true',
    ...(path ? ['forwarded: true', `in-dev: ${answers['in-dev']}`] : ['hook: bridge']),
    `out-dev: ${answers['out-dev']}`,
    ...(path ? ['larger-than: mtu'] : []),
    '',
  ].join('\n');
}
