package page

import (
	"html/template"
	"slices"
)

// The scripts of the built-in pages that have one.
var scripts = map[Name]template.HTML{
	OpenInWeChat:  inline("script", "copy.js"),
	OpenInWeCom:   inline("script", "copy.js"),
	OpenInBrowser: inline("script", "copy.js"),
	Fragment:      inline("script", "fragment.js"),
}

// inline puts a file of ours into an element.
func inline(tag, file string) template.HTML {
	return template.HTML("<" + tag + ">" + mustRead(file) + "</" + tag + ">")
}

// view is what the templates see.
type view struct {
	Data
	Name     Name
	Language string            // zh-CN, zh-TW or en
	Words    map[string]string // what the built-in page says, in that language
	Style    template.HTML     // the element with style.css
	Script   template.HTML     // the element with the built-in page's script, if it has one
	QR       template.HTML     // of URL, an SVG element; empty where there is none that a phone could read
}

// newView keeps of data only what is safe to link to.
func newView(name Name, language string, style template.HTML, data Data) view {
	data.Action = actionLink(data.Action)
	data.URL = absoluteLink(data.URL)
	data.Choices = slices.DeleteFunc(slices.Clone(data.Choices), func(c Choice) bool { return actionLink(c.URL) == "" })
	if name == Snapshot {
		data.Action = "" // nothing there can be tapped
	}
	v := view{Data: data, Name: name, Language: language, Style: style, Script: scripts[name]}
	v.Words = words[language][name]
	if name == OpenInWeChat && data.WeCom {
		v.Words = words[language][openInEither]
	}
	if name == OpenInWeChat || name == OpenInWeCom {
		v.QR = qrCode(data.URL)
	}
	return v
}

// CanScan says that the visitor has a QR code before them and, as far as we know, a phone beside it.
func (v view) CanScan() bool { return v.QR != "" && !v.Phone }

// NeedsComputer says that the visitor should go on at another screen, to have one to scan.
func (v view) NeedsComputer() bool { return v.Scans && v.Phone }
