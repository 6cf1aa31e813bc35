package page

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"
)

func TestQRCode_HasTheModulesOfTheText(t *testing.T) {
	for _, text := range []string{
		"https://a.cn",
		pageURL,
		"https://h5.example.com/?q=" + strings.Repeat("x", maxQRText-26),
		"https://例子.cn/路径?问=答",
	} {
		want, err := qr.Encode(text, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		svg := string(qrCode(text))
		drawn := modulesOf(t, svg)
		for y := range want.Size {
			for x := range want.Size {
				if drawn[[2]int{x, y}] != want.Black(x, y) {
					t.Fatalf("%.40s: module %d,%d is wrong", text, x, y)
				}
				delete(drawn, [2]int{x, y})
			}
		}
		if len(drawn) != 0 {
			t.Errorf("%.40s: modules outside the code: %v", text, drawn)
		}
		viewBox := fmt.Sprintf(`viewBox="-4 -4.5 %d %d"`, want.Size+8, want.Size+8)
		if !strings.Contains(svg, viewBox) {
			t.Errorf("%.40s: want %s in %.120s", text, viewBox, svg)
		}
	}
}

// modulesOf reads the drawing back: which modules are black.
func modulesOf(t *testing.T, svg string) map[[2]int]bool {
	t.Helper()
	path := regexp.MustCompile(` d="((?:M\d+ \d+h\d+)+)"`).FindStringSubmatch(svg)
	if path == nil {
		t.Fatalf("no path of horizontal lines: %.200s", svg)
	}
	black := map[[2]int]bool{}
	for _, line := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)`).FindAllStringSubmatch(path[1], -1) {
		x, _ := strconv.Atoi(line[1])
		y, _ := strconv.Atoi(line[2])
		length, _ := strconv.Atoi(line[3])
		for i := range length {
			black[[2]int{x + i, y}] = true
		}
	}
	return black
}

func TestQRCode_IsLeftOutWhereNoPhoneCanReadIt(t *testing.T) {
	for length, want := range map[int]bool{0: false, 1: true, maxQRText: true, maxQRText + 1: false, 8000: false} {
		if got := qrCode(strings.Repeat("x", length)) != ""; got != want {
			t.Errorf("%d bytes: %t", length, got)
		}
	}
}

func BenchmarkQRCode(b *testing.B) {
	for b.Loop() {
		qrCode(pageURL)
	}
}

func BenchmarkLongestQRCode(b *testing.B) {
	text := strings.Repeat("x", maxQRText)
	for b.Loop() {
		qrCode(text)
	}
}
