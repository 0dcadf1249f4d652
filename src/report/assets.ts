/** The files of the status page, as `scripts/bundle.ts` makes them of `src/page/`. */
import { packageText } from '../native/package-root.js';

const FOLDER = 'dist/esm/cli/page';

interface Asset {
  file: string;
  type: string;
}

/** By the path that they are served at. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/status.js': { file: 'status.js', type: 'text/javascript; charset=utf-8' },
  '/status.css': { file: 'status.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};

/** Everything from this server, nothing inline; shown in no frame. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * To be read when the server starts: an upgrade replaces the files of a process that runs on.
 * @throws Error when it is not there
 */
export function readAsset({ file }: Asset): string {
  return packageText(`${FOLDER}/${file}`);
}
