/** Style sheet of the report: system fonts, light and dark, readable in print and on a phone. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d9dee4;--paper:#fff;--ground:#f5f7f9;--mark:#2563b0}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--line:#333b44;--paper:#1a1f25;--ground:#12161a;--mark:#6ea8ee}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:1080px;margin:0 auto;padding:0 20px}header{padding-top:32px}h1{font-size:26px;margin:0}
header p{color:var(--soft);margin:4px 0 20px}h2{font-size:17px;margin:0 0 6px}.lead{color:var(--soft);margin:0 0 10px;font-size:13px}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:16px 18px;margin:0 0 16px}
.verdict{font-size:16px;margin:0 0 12px}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin-bottom:16px}
.charts section{margin:0;min-width:0}.facts{display:flex;flex-wrap:wrap;gap:8px 32px;margin:0 0 16px;padding:0 4px}
dt{color:var(--soft);font-size:12px}dd{margin:0;font-weight:600}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:left;color:var(--soft);font-weight:600}th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
svg{max-width:100%;height:auto;background:transparent;color:var(--ink)}
@media print{body{background:#fff}section{break-inside:avoid}}
`.trim();
