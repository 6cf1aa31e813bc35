package page

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

const (
	// maxQRText is the longest URL, in bytes, that still makes a code which a phone reads easily from a screen. More
	// would fit (2.9 KB), in modules too small to tell apart.
	maxQRText = 800
	// quietZone is the white border that readers need, in modules.
	quietZone = 4
	// qrWidth is about how wide a code is shown, in CSS pixels; one with many modules may grow beyond it.
	qrWidth = 260
	// minModule is the least width of a module, in CSS pixels.
	minModule = 3
)

// qrCode draws text as a QR code in SVG, or nothing if it is too long for one. A screen does not get scratched, so the
// lowest level of error correction will do, and it makes the largest modules.
func qrCode(text string) template.HTML {
	if text == "" || len(text) > maxQRText {
		return ""
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}

	// Modules of a whole number of pixels keep their edges sharp.
	modules := code.Size + 2*quietZone
	width := modules * max(minModule, qrWidth/modules)

	// A row is a line through the middle of its modules: the view box is half a module higher than the rows' numbers.
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg width="%d" height="%d" viewBox="-%d -%d.5 %d %d" shape-rendering="crispEdges">`,
		width, width, quietZone, quietZone, modules, modules)
	svg.WriteString(`<path stroke="#000" d="`)
	for y := range code.Size {
		drawRow(&svg, code, y)
	}
	svg.WriteString(`"/></svg>`)
	return template.HTML(svg.String()) // only numbers of our own
}

// drawRow draws each run of black modules in row y as one stroke.
func drawRow(svg *strings.Builder, code *qr.Code, y int) {
	for x := 0; x < code.Size; x++ {
		if !code.Black(x, y) {
			continue
		}
		start := x
		for code.Black(x, y) {
			x++
		}
		fmt.Fprintf(svg, "M%d %dh%d", start, y, x-start)
	}
}
