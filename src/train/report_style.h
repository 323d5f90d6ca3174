#pragma once

namespace nodevigil {

/// The style sheet of a report's page.
inline constexpr const char* kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --dim: #5d6673; --line: #e1e5ea;
  --one: #2f66cc; --two: #c2571a; --hit: 47, 102, 204; --miss: 198, 47, 47;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #14171b; --card: #1d2127; --ink: #e6e9ed; --dim: #9aa4b1; --line: #2d333b;
    --one: #6b97ea; --two: #e89a5c; --hit: 107, 151, 234; --miss: 255, 123, 114;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 2.5rem; max-width: 64rem; background: var(--bg);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
p { margin: .4rem 0; }
.dim { color: var(--dim); }
.warning { color: rgb(var(--miss)); font-weight: 600; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.1rem 1.25rem; margin-top: 1rem; overflow-x: auto;
}
.figures { display: flex; flex-wrap: wrap; gap: .4rem 2.2rem; margin-top: .6rem; }
.figures div { color: var(--dim); font-size: .85rem; }
.figures b { display: block; color: var(--ink); font-size: 1.5rem; line-height: 1.2; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.plots section { margin-top: 0; } .plots { margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; }
th, td { text-align: right; padding: .28rem .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td { white-space: nowrap; }
tr.all td { font-weight: 600; }
td.hit { background: rgba(var(--hit), calc(.08 + .6 * var(--share))); }
td.miss { background: rgba(var(--miss), calc(.08 + .6 * var(--share))); }
.bar { display: inline-block; height: .6rem; background: var(--one); border-radius: .2rem; }
pre { margin: 0; font-size: .82rem; line-height: 1.45; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .other { stroke: var(--dim); stroke-dasharray: 4 4; }
polyline { fill: none; stroke-width: 2; }
polyline.line0, line.line0 { stroke: var(--one); } circle.line0 { fill: var(--one); }
polyline.line1, line.line1 { stroke: var(--two); } circle.line1 { fill: var(--two); }
line.line0, line.line1 { stroke-width: 2; }
)css";

}  // namespace nodevigil
