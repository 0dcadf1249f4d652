/** What a run of the bench leaves: one JSON file in `bench/results/`. Pure. */

/** Changes when an older file could not be read as a newer one. */
export const FORMAT = 1;

export interface Results {
  format: typeof FORMAT;
  /** When the run began: ISO 8601, UTC. */
  date: string;
  /** Of this repository; `-dirty` behind it when the tree held changes. */
  commit: string;
  machine: MachineFacts;
  settings: Settings;
  cells: Cell[];
}

/** The text of a file of results: a line for each cell. */
export function resultsText({ cells, ...head }: Results): string {
  const lines = cells.map((cell) => `    ${JSON.stringify(cell)}`).join(',\n');
  return `${JSON.stringify(head, undefined, 2).replace(/\n\}$/, '')},\n  "cells": [\n${lines}\n  ]\n}\n`;
}

export interface MachineFacts {
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** `KVM`, or `none`. */
  hypervisor: string;
  kernel: string;
  node: string;
  /** As each program tells its own version. */
  iptables: string;
  nft: string;
}

interface Settings {
  rounds: number;
  /** Seconds that each load is sent. */
  seconds: number;
  cores: Cores;
}

/** Which core does what. */
export interface Cores {
  sender: number;
  /** All threads of the contender; more than one only when a contender has more than one queue. */
  contender: number[];
  /** The receiving end of TCP. */
  receiver: number;
}

/** One contender under one load in one round. */
export interface Cell {
  load: string;
  contender: string;
  round: number;
  /** Seconds from the first packet sent to the last that arrived. */
  seconds: number;
  /** Of its cores, those that the contender had. */
  cores: number[];
  cpu: Cpu;
  datagrams?: Datagrams;
  stream?: Stream;
  latency?: Latency;
  queue?: QueueLosses;
  /** Kibibytes that were resident: at most, since it started, and at the end of the load. */
  memory?: { peak: number; end: number };
  /** The contender ended by itself: why, and after how many seconds of load. */
  ended?: { reason: string; after: number };
}

/** Seconds of processor time while the load ran. */
export interface Cpu {
  /** All threads of the contender, with the softirqs that ran on their account; undefined when it has no process. */
  contender?: number;
  /** The contender's cores: not idle, whoever it was. */
  contenderCores: number;
  /** Of that, softirqs as the kernel's clock tick saw them. */
  softirq: number;
  /** ksoftirqd of the contender's cores: work that it left behind. */
  ksoftirqd: number;
  /** All cores of the machine. */
  machine: number;
  /** What the hypervisor took away from all cores. */
  stolen: number;
}

export interface Datagrams {
  /** Bytes of each, IP header included. */
  length: number;
  /** Packets a second that were asked for; 0 for as many as go. */
  rate: number;
  sent: number;
  /** Seconds that the sender took. */
  sending?: number;
  /** Came to the router: what the link did not drop before it. */
  offered: number;
  /** At the sink. */
  arrived: number;
  withDf: number;
  /** How many left the sender with DF set. */
  sentWithDf: number;
  /** Answered by the contender. */
  handled?: number;
}

export interface Stream {
  connections: number;
  /** Bytes a second that were asked for; 0 for as many as go. */
  rate: number;
  /** Acknowledged by the far end. */
  bytes: number;
  retransmits: number;
  /** Times that TCP saw disorder (tcpi_reord_seen). */
  reordered: number;
  /** Packets that the contender answered before it ended; the other bytes went by without it. */
  answered?: number;
}

/** Nanoseconds from sending to arrival at the sink. */
export interface Percentiles {
  median: number;
  p99: number;
  p999: number;
  max: number;
}

export interface Latency {
  samples: number;
  /** Samples that the ring had no room for. */
  missed: number;
  seen: Percentiles;
  /** The same load with no rule, just before. */
  without: Percentiles;
  /** Samples that came behind a later one of their flow. */
  disorder: number;
}

export interface QueueLosses {
  /** The queue was full. */
  queueDropped: number;
  /** The receive buffer was full. */
  userDropped: number;
}
