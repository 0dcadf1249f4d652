/** Other people's firewall: 200 rules that clear-df must not touch, some of them made to look like its own. */

/** Comments with quotes, tags that are not quite ours, and none. */
const COMMENTS = ['"clear-df"', '"clear-df:a "', '"x --comment clear-df:a"', '"say \\"clear-df:a\\""', 'plain', ''];

function rule(chain: string, i: number, target: string): string {
  const comment = COMMENTS[i % COMMENTS.length];
  const match = `-s 10.${i}.0.0/16 -p tcp -m tcp --dport ${1000 + i}`;
  return `-A ${chain} ${match}${comment === '' ? '' : ` -m comment --comment ${comment}`} -j ${target}`;
}

const many = (count: number, chain: string, target: string): string[] =>
  Array.from({ length: count }, (_, i) => rule(chain, i, target));

const LINES = [
  '*raw',
  ...many(20, 'PREROUTING', 'NOTRACK'),
  'COMMIT',
  '*mangle',
  ':people - [0:0]',
  ...many(20, 'PREROUTING', 'people'),
  ...many(20, 'people', 'NFQUEUE --queue-num 7 --queue-bypass'),
  ...many(20, 'OUTPUT', 'NFQUEUE --queue-balance 0:3'),
  ...many(20, 'FORWARD', 'ACCEPT'),
  ...many(20, 'POSTROUTING', 'MARK --set-xmark 0x1/0xffffffff'),
  'COMMIT',
  '*nat',
  ...many(40, 'POSTROUTING', 'MASQUERADE'),
  'COMMIT',
  '*filter',
  ':FORWARD DROP [0:0]',
  ...many(38, 'FORWARD', 'ACCEPT'),
  // Our comment, on a rule that does not queue, and outside mangle: someone else's all the same.
  '-A FORWARD -m comment --comment "clear-df:a" -j ACCEPT',
  '-A FORWARD -m comment --comment "clear-df:a" -j NFQUEUE --queue-num 9',
  'COMMIT',
];

/** For `iptables-restore`, either variant. */
export const FOREIGN_RULES = `${LINES.join('\n')}\n`;
export const FOREIGN_COUNT = LINES.filter((line) => line.startsWith('-A ')).length;
