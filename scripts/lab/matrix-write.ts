/** Writes the record of the matrix and the document made of it. */
import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { type Matrix, MATRIX_JSON, MATRIX_TEXT } from './matrix.js';
import { matrixText } from './matrix-text.js';

/** Replaces both. */
export async function writeMatrix(matrix: Matrix): Promise<void> {
  const style = await resolveConfig(MATRIX_JSON);
  writeFileSync(MATRIX_JSON, await format(JSON.stringify(matrix), { ...style, parser: 'json' }));
  writeFileSync(MATRIX_TEXT, matrixText(matrix));
}
