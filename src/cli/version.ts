import { packageText } from '../native/package-root.js';

/** The version in clear-df's own package.json. */
export function version(): string {
  return (JSON.parse(packageText('package.json')) as { version: string }).version;
}
