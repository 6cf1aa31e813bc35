package demo

import (
	"fmt"
	"io"
	"os"
	"strings"

	"rsc.io/qr"
)

// tell says what to open.
func (p place) tell(out io.Writer, family, simulator int) {
	address := fmt.Sprintf("http://%s:%d", p.host, p.port)
	fmt.Fprintf(out, "\n  An app behind WeChat login is at  %s\n", address)
	if p.isShared() && p.hasNetwork() {
		fmt.Fprint(out, "  微信登录演示：手机连上同一个网络，用任意浏览器或微信打开上面的网址即可，电脑也行\n\n")
		if isTerminal(out) {
			printQR(out, address)
		}
	} else {
		fmt.Fprint(out, "  微信登录演示：用任意浏览器打开上面的网址即可\n\n")
	}
	fmt.Fprintf(out, "  As browsers outside WeChat see it:  http://%s:%d\n", p.host, family)
	fmt.Fprint(out, "  微信以外的浏览器：扫码登录、企业微信登录\n\n")
	fmt.Fprintf(out, "  The WeChat that it asks is a simulator, at http://%s:%d/simulator/\n",
		p.simulatorHost(), simulator)
	if p.isShared() {
		p.warn(out, p.port, family, simulator)
	}
	fmt.Fprint(out, "  Ctrl-C ends everything. 按 Ctrl-C 结束。\n\n")
}

// warn says who gets to it, and why a phone may not.
func (p place) warn(out io.Writer, ports ...int) {
	fmt.Fprint(out, "\n  Whoever reaches this machine can open all of it, log in as anybody, "+
		"and change the simulator.\n"+
		"  能连到这台机器的人都能打开，以任何人的身份登录，改动模拟器；用完请结束。\n\n")
	if !p.hasNetwork() {
		fmt.Fprint(out, "  This machine has no address in a private network that a phone could open.\n"+
			"  这台机器没有手机能打开的内网地址。\n\n")
		return
	}
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(ports), " ", ", "), "[]")
	fmt.Fprintf(out, "  A phone has to be in the same network, and this machine's firewall to let it to ports %s.\n"+
		"  手机打不开：看看是不是连着同一个网络，这台机器的防火墙有没有放行这些端口。\n\n", list)
	if len(p.other) > 0 {
		fmt.Fprintf(out, "  Other addresses of this machine, for --listen 换一个地址试试: %s\n\n", strings.Join(p.other, ", "))
	}
}

// simulatorHost is the host of the simulator's addresses.
func (p place) simulatorHost() string {
	if p.host == "localhost" {
		return "127.0.0.1"
	}
	return p.host
}

// isTerminal reports whether a person sees out.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printQR draws a QR code, two of its rows in a line of text, black on white whatever the terminal's colours are.
func printQR(out io.Writer, text string) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return // the address stands above
	}
	const quiet = 2 // modules of white around it
	for y := -quiet; y < code.Size+quiet; y += 2 {
		fmt.Fprint(out, "  \x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				fmt.Fprint(out, "█")
			case upper:
				fmt.Fprint(out, "▀")
			case lower:
				fmt.Fprint(out, "▄")
			default:
				fmt.Fprint(out, " ")
			}
		}
		fmt.Fprint(out, "\x1b[0m\n")
	}
	fmt.Fprintln(out)
}
