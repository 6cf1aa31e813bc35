package caddywechat_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxLines = 400
	maxWidth = 120 // characters, of which a tab is four
)

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestHouse_HasShortFilesOfShortLines(t *testing.T) {
	const root = ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (name == "testdata" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		shown, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		shown = filepath.ToSlash(shown)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !generated.Match(text) {
			files++
			judgeFile(t, shown, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("there is no file to look at")
	}
}

func judgeFile(t *testing.T, name string, text []byte) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimRight(line, "\r\n")
		if width := utf8.RuneCount(line) + 3*bytes.Count(line, []byte("\t")); width > maxWidth {
			t.Errorf("%s:%d: %d characters, at most %d", name, n, width, maxWidth)
		}
	}
	if n > maxLines {
		t.Errorf("%s:%d: the file has %d lines, at most %d", name, n, n, maxLines)
	}
}
