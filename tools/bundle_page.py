"""Makes one HTML page of the modules in web/ and the npm packages that they import (docs/decisions/0021-report-page.md).

Each module becomes a function that gives back what it exports; they stand in an order in which each has what it imports.
Packages are minified modules or, for uPlot, a script with one name. The placeholder @REPORT@ is left for the report.

usage: bundle_page.py WEB_FOLDER OUTPUT.html
"""
import pathlib
import re
import sys

# Import name: the file in node_modules, and the name that a script (no module) defines.
PACKAGES = {
    "preact": ("preact/dist/preact.mjs", None),
    "preact/hooks": ("preact/hooks/dist/hooks.mjs", None),
    "htm": ("htm/dist/htm.module.js", None),
    "uplot": ("uplot/dist/uPlot.iife.min.js", "uPlot"),
}
STYLES = ["uplot/dist/uPlot.min.css"]
LICENSES = ["preact", "htm", "uplot"]
IMPORT = re.compile(r"""import\s*(?:(\w+)|\{([^}]*)\})\s*from\s*["']([^"']+)["'];?""")


def renamed(names, separator):
    """'a as b, c' with `separator` in place of as: 'a: b, c'."""
    pairs = [name.split(" as ") for name in re.split(r"\s*,\s*", names.strip(" ,\n")) if name]
    return ", ".join(separator(*(part.strip() for part in pair)) if len(pair) > 1 else pair[0].strip() for pair in pairs)


class Bundle:
    def __init__(self, web):
        self.web, self.modules, self.parts, self.open = web, {}, [], []

    def path_of(self, name, importer):
        if name in PACKAGES:
            return self.web / "node_modules" / PACKAGES[name][0]
        if not name.startswith("./"):
            raise SystemExit(f"{importer}: imports {name}, which is neither a module of web/ nor a known package")
        return self.web / name

    def add(self, name, importer):
        """The number of a module, which stands in the bundle with all that it imports."""
        path = self.path_of(name, importer)
        if path in self.modules:
            return self.modules[path]
        if path in self.open:
            raise SystemExit(f"{importer}: imports {name}, which imports it")
        self.open.append(path)
        body = self.body(name, path)
        self.open.remove(path)
        self.modules[path] = len(self.parts)
        self.parts.append(f"// {name}\nmodules[{len(self.parts)}] = (() => {{\n{body}\n}})();\n")
        return self.modules[path]

    def body(self, name, path):
        text = path.read_text()
        text = re.sub(r"\n?//# sourceMappingURL=\S*", "", text)
        if name in PACKAGES and PACKAGES[name][1]:
            return f"{text}\nreturn {{ default: {PACKAGES[name][1]} }};"

        def imported(match):
            number = self.add(match[3], path.name)
            names = f"default: {match[1]}" if match[1] else renamed(match[2], lambda one, other: f"{one}: {other}")
            return f"const {{ {names} }} = modules[{number}];"
        text = IMPORT.sub(imported, text)
        exports = []

        def declared(match):
            exports.append(match[2])
            return match[1] + match[2]
        text = re.sub(r"^export ((?:async )?(?:function|const|let|class) )(\w+)", declared, text, flags=re.MULTILINE)

        def listed(match):
            exports.append(renamed(match[1], lambda one, other: f"{other}: {one}"))
            return ""
        text = re.sub(r"export\s*\{([^}]*)\};?", listed, text)
        if "export default " in text:
            text = text.replace("export default ", "const exported = ", 1)
            exports.append("default: exported")
        if re.search(r"^\s*(?:import|export)\b", text, flags=re.MULTILINE):
            raise SystemExit(f"{path}: an import or export of a form that this does not know")
        return f"{text}\nreturn {{ {', '.join(exports)} }};"


def main():
    web, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    bundle = Bundle(web)
    bundle.add("./main.js", "page.html")
    packages = web / "node_modules"
    licenses = "\n".join(f"{name}\n\n{(packages / name / 'LICENSE').read_text()}" for name in LICENSES)
    script = ('"use strict";\n(() => {\nconst modules = [];\n' + "".join(bundle.parts) + "})();\n/*\nLicenses of what is inlined above.\n\n"
              + licenses.replace("*/", "* /") + "*/\n")
    style = "".join((packages / name).read_text() + "\n" for name in STYLES) + (web / "style.css").read_text()
    for what, text in (("a script", script), ("a style", style)):
        if re.search(r"</(script|style)|<!--", text, flags=re.IGNORECASE):
            raise SystemExit(f"{what} would end its element")
    page = (web / "page.html").read_text().replace("@STYLE@", style).replace("@SCRIPT@", script)
    if page.count("@REPORT@") != 1:
        raise SystemExit("page.html has to have one @REPORT@")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page)


if __name__ == "__main__":
    main()
