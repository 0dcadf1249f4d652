/** Error numbers by the names that the kernel's own sources use. */
import { expect, it } from 'vitest';
import { errnoName } from '../../src/native/errno.js';

it.each([
  [1, 'EPERM'],
  [-1, 'EPERM'],
  // Node lists these twice, by POSIX's second name as well.
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [4095, 'errno 4095'],
])('%d is %s', (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});
