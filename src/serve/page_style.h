#pragma once

namespace nodevigil {

/// The style sheet of the landing page.
inline constexpr const char* kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --dim: #5d6673; --line: #e1e5ea;
  --track: #e8ebef; --fill: #4c7bd9; --good: #1a7f47; --bad: #c62f2f; --wait: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #14171b; --card: #1d2127; --ink: #e6e9ed; --dim: #9aa4b1; --line: #2d333b;
    --track: #2d333b; --fill: #6b97ea; --good: #4cc38a; --bad: #ff7b72; --wait: #e0a93e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 2.5rem; max-width: 60rem; background: var(--bg);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
}
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
header span, small, .dim { color: var(--dim); }
header span { margin-left: auto; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.1rem 1.25rem; margin-top: 1rem;
}
.verdict { border-left: .4rem solid var(--tone); }
.verdict strong { color: var(--tone); font-size: 1.7rem; line-height: 1.2; margin-right: .6rem; }
.verdict p { margin: .7rem 0 0; overflow-wrap: anywhere; }
.good { --tone: var(--good); } .bad { --tone: var(--bad); } .wait { --tone: var(--wait); }
.bars {
  display: grid; grid-template-columns: auto 1fr auto; gap: .35rem .8rem; align-items: center;
  margin-top: .9rem; font-variant-numeric: tabular-nums;
}
.bar { position: relative; height: .55rem; border-radius: .3rem; background: var(--track); }
.bar i {
  display: block; height: 100%; border-radius: .3rem; background: var(--tone, var(--fill));
}
.bar b { position: absolute; top: -.25rem; bottom: -.25rem; width: 2px; background: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; }
th, td { text-align: right; padding: .28rem .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td { white-space: nowrap; }
.z { width: 9rem; }
th:last-child, td:last-child { padding-right: 0; }
@media (max-width: 40rem) { .z { display: none; } }
tr.far td { color: var(--bad); font-weight: 600; }
.swing { position: relative; height: .55rem; background: var(--track); border-radius: .3rem; }
.swing i { position: absolute; top: 0; bottom: 0; background: var(--fill); }
.swing b { position: absolute; left: 50%; top: -.15rem; bottom: -.15rem; width: 1px;
  background: var(--dim); }
tr.far .swing i { background: var(--bad); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
a { color: var(--fill); } ul { margin: 0; padding-left: 1.1rem; }
code { font: .92em ui-monospace, monospace; }
.columns { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); }
)css";

}  // namespace nodevigil
