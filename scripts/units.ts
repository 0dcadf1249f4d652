/**
 * The units that the Debian package has.
 *
 *   tsx scripts/units.ts FOLDER NODE SCRIPT
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { queueUnit, tunnelTemplate } from '../src/tunnel/unit-text.js';

const [folder, node, script] = process.argv.slice(2);
if (folder === undefined || node === undefined || script === undefined) throw new Error('expected FOLDER NODE SCRIPT');
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'clear-df.service'), queueUnit({ node, script }));
writeFileSync(path.join(folder, 'clear-df-tunnel@.service'), tunnelTemplate({ node, script }));
