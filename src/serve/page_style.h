#pragma once

namespace nodevigil {

/// What the landing page has beside kHtmlStyle.
inline constexpr const char* kPageStyle = R"css(
:root {
  --track: #e8ebef; --fill: #4c7bd9; --good: #1a7f47; --bad: #c62f2f; --wait: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --track: #2d333b; --fill: #6b97ea; --good: #4cc38a; --bad: #ff7b72; --wait: #e0a93e;
  }
}
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; }
header span, small { color: var(--dim); }
header span { margin-left: auto; }
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
