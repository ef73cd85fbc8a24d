// The illustrations: a few shapes for each product, drawn in the colors of the page's theme.
package demoshop

import "html/template"

// art returns the drawing of a product on a 120 by 120 field. The classes a to d are colors of the
// style sheet, so that light and dark each have their own.
func art(slug string) template.HTML {
	shapes, ok := drawings()[slug]
	if !ok {
		shapes = `<circle class="b" cx="60" cy="60" r="30"/>`
	}
	return template.HTML(`<svg class="art" viewBox="0 0 120 120" aria-hidden="true" focusable="false">` +
		`<path class="sea" d="M0 92q15-7 30 0t30 0 30 0 30 0v28H0z"/>` + shapes + `</svg>`)
}

func drawings() map[string]string {
	return map[string]string{
		"oilskin-jacket": `<path class="b" d="M44 26h32l22 14 8 40-14 4-8-24v40H36V60l-8 24-14-4 8-40z"/>` +
			`<path class="c" d="M44 26h32l-8 12H52z"/><path class="l" d="M60 38v62"/>` +
			`<circle class="a" cx="66" cy="54" r="2.5"/><circle class="a" cx="66" cy="68" r="2.5"/><circle class="a" cx="66" cy="82" r="2.5"/>`,
		"watch-cap": `<path class="b" d="M26 76c0-30 14-48 34-48s34 18 34 48z"/>` +
			`<rect class="c" x="22" y="70" width="76" height="22" rx="8"/>` +
			`<path class="l" d="M36 72v18m12-18v18m12-18v18m12-18v18m12-18v18"/>`,
		"harbour-jersey": `<path class="d" d="M42 30h36l24 14 4 38-16 2-4-20v38H34V64l-4 20-16-2 4-38z"/>` +
			`<path class="s" d="M34 52h52M34 64h52M34 76h52M34 88h52"/><path class="l" d="M46 30q14 10 28 0"/>`,
		"deck-boots": `<path class="b" d="M30 22h24v52q18 2 20 20v6H30z"/><path class="c" d="M30 22h24v12H30z"/>` +
			`<path class="b" d="M62 30h22v44q16 2 18 20v6H78q0-18-16-22z"/><path class="a" d="M28 98h48v6H28zm50 0h26v6H78z"/>`,
		"enamel-mug": `<path class="d" d="M34 34h46v54q0 8-8 8H42q-8 0-8-8z"/><path class="k" d="M80 46h8q12 0 12 14t-12 14h-8"/>` +
			`<path class="c" d="M32 30h50v7H32z"/><path class="l" d="M46 22q4-5 0-10m12 10q4-5 0-10"/>`,
		"fish-kettle": `<path class="b" d="M14 54h92l-6 36q-1 6-8 6H28q-7 0-8-6z"/><path class="c" d="M12 48h96v8H12zM54 38h12v10H54z"/>` +
			`<path class="d" d="M40 76q14-14 30 0l10-8v16l-10-8q-16 14-30 0z"/>`,
		"bread-board": `<rect class="c" x="18" y="52" width="84" height="44" rx="8"/><circle class="p" cx="92" cy="62" r="4"/>` +
			`<path class="b" d="M28 72q0-24 24-24h10q24 0 24 24v8H28z"/><path class="l" d="M44 54l-4 10m16-14l-4 12m16-10l-4 10"/>`,
		"tide-tea": `<path class="b" d="M34 38h52l4 62H30z"/><path class="c" d="M38 24h44l4 14H34z"/>` +
			`<rect class="d" x="42" y="56" width="36" height="28" rx="3"/><path class="w" d="M48 70q4-6 8 0t8 0 8 0"/>`,
		"storm-lantern": `<path class="k" d="M44 34q0-18 16-18t16 18"/><path class="b" d="M44 32h32v8H44zM42 84h36v14H42z"/>` +
			`<path class="d" d="M46 40h28l4 44H42z"/><path class="a" d="M60 50q10 14 0 26-10-12 0-26z"/><path class="l" d="M40 44v38m40-38v38"/>`,
		"rope-basket": `<path class="k" d="M34 52q0-26 26-26t26 26"/><path class="c" d="M22 52h76l-8 40q-1 6-8 6H38q-7 0-8-6z"/>` +
			`<path class="l" d="M24 62h72M26 72h68M28 82h64"/>`,
		"brass-compass": `<circle class="c" cx="60" cy="62" r="38"/><circle class="d" cx="60" cy="62" r="30"/>` +
			`<path class="a" d="M60 36l7 26H53z"/><path class="b" d="M60 88l7-26H53z"/><circle class="p" cx="60" cy="62" r="3"/>` +
			`<circle class="k" cx="60" cy="18" r="5"/>`,
		"tide-tables": `<path class="b" d="M34 22h50q4 0 4 4v68q0 4-4 4H34z"/><path class="c" d="M30 22h8v76h-8z"/>` +
			`<rect class="d" x="46" y="34" width="34" height="16" rx="2"/><path class="l" d="M46 72q6-10 11 0t11 0 11 0"/>`,
	}
}
