/** What the order check wants to know of a TypeScript file: its imports and its strings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

interface TsImport {
  line: number;
  specifier: string;
  /** The file it leads to, below the root; undefined for a package. */
  target: string | undefined;
  typeOnly: boolean;
}

interface TsFile {
  /** Path below the root, with `/`. */
  name: string;
  imports: TsImport[];
  strings: { line: number; text: string }[];
}

/** Every `.ts` file below `root`, parsed. */
export function readTypeScript(root: string): TsFile[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => parse(root, name));
}

function parse(root: string, name: string): TsFile {
  const source = ts.createSourceFile(name, readFileSync(path.join(root, name), 'utf8'), ts.ScriptTarget.ES2022, true);
  const file: TsFile = { name, imports: [], strings: [] };
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const addImport = (node: ts.Node, specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(name), specifier).replace(/\.js$/, '.ts')
      : undefined;
    file.imports.push({ line: lineOf(node), specifier, target, typeOnly });
  };

  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      if (ts.isStringLiteral(node.moduleSpecifier)) addImport(node, node.moduleSpecifier.text, isTypeOnly(node));
      return;
    }
    const [argument] = ts.isCallExpression(node) && isImportCall(node) ? node.arguments : [];
    if (argument !== undefined && ts.isStringLiteralLike(argument)) addImport(node, argument.text, false);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      addImport(node, node.argument.literal.text, true);
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      file.strings.push({ line: lineOf(node), text: node.text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return file;
}

/** `import('x')` or `require('x')`. */
function isImportCall(node: ts.CallExpression): boolean {
  const callee = node.expression;
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/** `import type …`, or every name of it marked `type`. */
function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const names = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : [];
    return node.isTypeOnly || (names.length > 0 && names.every((name) => name.isTypeOnly));
  }
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : [];
  return clause.name === undefined && names.length > 0 && names.every((name) => name.isTypeOnly);
}
