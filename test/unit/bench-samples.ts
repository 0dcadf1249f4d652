/** Results of runs that never were. */
import { type Cell, FORMAT, type Latency, type Results } from '../../bench/record/results.js';

interface Sample {
  load?: string;
  contender: string;
  round?: number;
  /** Answered in one second of the contender's processor time. */
  packets: number;
  ended?: Cell['ended'];
  latency?: Latency;
}

export function sampleCell({ load = 'udp-64', contender, round = 1, packets, ended, latency }: Sample): Cell {
  return {
    ...{ load, contender, round, seconds: 2, cores: [1] },
    cpu: { contender: 1, contenderCores: 1, softirq: 0.25, ksoftirqd: 0, machine: 3, stolen: 0 },
    datagrams: {
      ...{ length: 64, rate: 0, sent: packets, offered: packets, arrived: packets, sentWithDf: packets },
      ...{ withDf: 0, handled: packets },
    },
    ...(ended === undefined ? {} : { ended }),
    ...(latency === undefined ? {} : { latency }),
  };
}

const LATENCY: Latency = {
  ...{ samples: 1000, missed: 0, disorder: 0 },
  seen: { median: 30_000, p99: 90_000, p999: 400_000, max: 900_000 },
  without: { median: 10_000, p99: 20_000, p999: 50_000, max: 100_000 },
};

/** clear-df with 100 k, 200 k and 300 k packets per CPU-second, the null verdict with 400 k in each round. */
export function sampleResults(): Results {
  return {
    format: FORMAT,
    date: '2025-01-02T03:04:05.678Z',
    commit: '0123456789ab',
    machine: {
      ...{ cpu: 'Processor', cores: 2, memoryBytes: 2 ** 34, hypervisor: 'kvm', kernel: '6.18.0' },
      ...{ node: 'v20.0.0', iptables: 'iptables v1.8.9', nft: 'nftables v1.0.6' },
    },
    settings: { rounds: 3, seconds: 2, cores: { sender: 0, contender: [1], receiver: 0 } },
    cells: [1, 2, 3].flatMap((round) => [
      sampleCell({ contender: 'clear-df', round, packets: 100_000 * round }),
      sampleCell({ contender: 'null', round, packets: 400_000 }),
      sampleCell({ contender: 'clear-df', load: 'pace-50', round, packets: 50_000, latency: LATENCY }),
    ]),
  };
}
