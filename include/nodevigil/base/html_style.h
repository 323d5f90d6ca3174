#pragma once

namespace nodevigil {

/// What all pages of the program look like: colours, text, cards, tables. A page's own style sheet
/// comes after it.
inline constexpr const char* kHtmlStyle = R"css(
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --dim: #5d6673; --line: #e1e5ea;
}
@media (prefers-color-scheme: dark) {
  :root { --bg: #14171b; --card: #1d2127; --ink: #e6e9ed; --dim: #9aa4b1; --line: #2d333b; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 2.5rem; max-width: 60rem; background: var(--bg);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
.dim { color: var(--dim); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.1rem 1.25rem; margin-top: 1rem;
}
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; }
th, td { text-align: right; padding: .28rem .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td { white-space: nowrap; }
)css";

}  // namespace nodevigil
