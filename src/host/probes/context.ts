/** What each probe gets, and what it gives. */
import type { Answer } from '../../tunnel/enums.js';
import type { Runner } from '../exec.js';
import type { PrivateNamespace } from './namespace.js';

/** An answer and what it rests on. */
export interface Finding {
  answer: Answer;
  evidence: string;
}

/** What a probe works with. */
export interface ProbeContext {
  /** Undefined when none could be made. */
  namespace: PrivateNamespace | undefined;
  /** Why there is none. */
  reason: string;
  runner: Runner;
  /** Loaded before anything was tried. */
  modules: ReadonlySet<string>;
  /** Could be loaded; undefined when that is not known. */
  loadable: ReadonlySet<string> | undefined;
}
