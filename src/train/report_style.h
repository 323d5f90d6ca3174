#pragma once

namespace nodevigil {

/// What a report's page has beside kHtmlStyle.
inline constexpr const char* kReportStyle = R"css(
:root { --one: #2f66cc; --two: #c2571a; --hit: 47, 102, 204; --miss: 198, 47, 47; }
@media (prefers-color-scheme: dark) {
  :root { --one: #6b97ea; --two: #e89a5c; --hit: 107, 151, 234; --miss: 255, 123, 114; }
}
body { max-width: 64rem; }
p { margin: .4rem 0; }
.warning { color: rgb(var(--miss)); font-weight: 600; }
section { overflow-x: auto; }
.figures { display: flex; flex-wrap: wrap; gap: .4rem 2.2rem; margin-top: .6rem; }
.figures div { color: var(--dim); font-size: .85rem; }
.figures b { display: block; color: var(--ink); font-size: 1.5rem; line-height: 1.2; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.plots section { margin-top: 0; } .plots { margin-top: 1rem; }
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
