import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../native/package-root.js';

/** The version in clear-df's own package.json. */
export function version(): string {
  const manifest = path.join(packageRoot(), 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
