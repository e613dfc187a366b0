#include "report/html_page.hpp"

#include "report/escape.hpp"

namespace lipcert {

namespace {

/// Colours keep a contrast of at least 4.5 to their ground in both schemes; what colour says is
/// said in words as well.
constexpr const char* kStyle = R"css(
:root { color-scheme: light dark;
  --ground: #ffffff; --text: #1b1f24; --faint: #59636e; --line: #d1d9e0; --raised: #f6f8fa;
  --good: #116329; --bad: #a40e26; --accent: #0550ae; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #0d1117; --text: #e6edf3; --faint: #9da7b3; --line: #3d444d; --raised: #161b22;
  --good: #56d364; --bad: #ff7b72; --accent: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--ground);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
h1, h2, h3 { line-height: 1.25; }
code, td.number, .bound { font-family: ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
.statement { border-left: .3rem solid var(--accent); padding: .6rem 1rem; margin: 1rem 0;
  background: var(--raised); }
.bound { font-size: 1.25rem; font-weight: 600; }
.verdict { display: inline-block; padding: .1rem .7rem; border: 2px solid; border-radius: 1rem;
  font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .faint { color: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--faint); padding: .3rem 0; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.name { overflow-wrap: anywhere; min-width: 9rem; }
th.number, td.number { text-align: right; white-space: nowrap; }
summary { cursor: pointer; padding: .3rem 0; color: var(--accent); }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
figure { margin: 1rem 0; } figcaption { color: var(--faint); font-size: .9rem; }
svg { width: 100%; height: auto; max-width: 40rem; font: 12px system-ui, sans-serif; }
svg text { fill: var(--text); } svg rect, svg circle { fill: var(--accent); }
svg polyline { fill: none; stroke: var(--accent); stroke-width: 2; }
svg .grid { stroke: var(--line); } svg .limit { stroke: var(--bad); stroke-dasharray: 6 4; }
section.model + section.model { border-top: 2px solid var(--line); margin-top: 3rem; }
@media print { details > * { display: block; } body { max-width: none; } }
)css";

}  // namespace

std::string html_page(const std::string& title, const std::string& body) {
    return std::string("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n") +
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'\">\n" +
           "<title>" + markup_text(title) + "</title>\n<style>" + kStyle +
           "</style>\n</head>\n<body>\n<main>\n" + body + "</main>\n</body>\n</html>\n";
}

}  // namespace lipcert
