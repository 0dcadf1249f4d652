/** Writes the record of the matrix and the document made of it. */
import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { type Matrix, MATRIX_JSON, MATRIX_TEXT } from './matrix.js';
import { matrixText } from './matrix-text.js';

/** Replaces both. */
export async function writeMatrix(matrix: Matrix): Promise<void> {
  writeFileSync(MATRIX_JSON, JSON.stringify(matrix));
  await execa('node_modules/.bin/oxfmt', [MATRIX_JSON]);
  writeFileSync(MATRIX_TEXT, matrixText(matrix));
}
