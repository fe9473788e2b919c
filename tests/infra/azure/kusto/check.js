// Reads {"tables": {name: schema}, "queries": {name: text}} from standard input; prints {name: [problem, …]}.
// Microsoft's own parser and binder for Kusto, the one of the portal's editor, without a cluster behind it.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const home = path.join(process.argv[2], "node_modules", "@kusto", "language-service-next");
for (const script of ["bridge.min.js", "Kusto.Language.Bridge.min.js"])
  vm.runInThisContext(fs.readFileSync(path.join(home, script), "utf8"), script);

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const given = JSON.parse(fs.readFileSync(0, "utf8"));
const tables = Object.entries(given.tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("workspace", tables));

const problems = (text) => {
  const found = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, number) => found.getItem(number).Message);
};
console.log(JSON.stringify(Object.fromEntries(Object.entries(given.queries).map(([name, text]) => [name, problems(text)]))));
