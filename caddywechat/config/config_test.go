package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// visible takes whatever can be seen.
func visible(value string) error {
	if value == "" || strings.ContainsAny(value, " \r\n") {
		return errors.New("it is empty or holds a blank")
	}
	return nil
}

func TestResolve_ReplacesPlaceholders(t *testing.T) {
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + path + "}"
	}
	t.Setenv("CONFIG_TEST_SET", "s3cr3t")
	t.Setenv("CONFIG_TEST_EMPTY", "")
	t.Setenv("CONFIG_TEST_LINE", "s3cr3t\r\n")
	t.Setenv("CONFIG_TEST_BLANK", " s3cr3t")
	t.Setenv("CONFIG_TEST_NESTED", "{env.CONFIG_TEST_SET}")
	os.Unsetenv("CONFIG_TEST_UNSET")
	for name, tt := range map[string]struct {
		value, want string
		ok          bool
	}{
		"literal":                  {"s3cr3t", "s3cr3t", true},
		"set":                      {"{env.CONFIG_TEST_SET}", "s3cr3t", true},
		"in the middle":            {"a{env.CONFIG_TEST_SET}z", "as3cr3tz", true},
		"two":                      {"{env.CONFIG_TEST_SET}{env.CONFIG_TEST_SET}", "s3cr3ts3cr3t", true},
		"with a line end":          {"{env.CONFIG_TEST_LINE}", "s3cr3t", true},
		"file":                     {write("s3cr3t"), "s3cr3t", true},
		"file with a line end":     {write("s3cr3t\n"), "s3cr3t", true},
		"file of Windows":          {write("s3cr3t\r\n"), "s3cr3t", true},
		"resolved once":            {"{env.CONFIG_TEST_NESTED}", "{env.CONFIG_TEST_SET}", true},
		"file that has a name":     {write("{env.CONFIG_TEST_SET}\n"), "{env.CONFIG_TEST_SET}", true},
		"unset":                    {"{env.CONFIG_TEST_UNSET}", "", false},
		"empty":                    {"{env.CONFIG_TEST_EMPTY}", "", false},
		"one of two is unset":      {"{env.CONFIG_TEST_SET}{env.CONFIG_TEST_UNSET}", "", false},
		"unknown":                  {"{nobody.knows.this}", "", false},
		"of a request":             {"{http.request.host}", "", false},
		"no such file":             {"{file./no/such/file}", "", false},
		"empty file":               {write(""), "", false},
		"file of nothing but ends": {write("\n\n"), "", false},
		"a bad value":              {"{env.CONFIG_TEST_BLANK}", "", false},
		"a bad literal":            {"s3cr3t s3cr3t", "", false},
		"nothing":                  {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve("app_secret", tt.value, visible)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "app_secret: ") ||
				strings.Contains(err.Error(), "s3cr3t")) {
				t.Errorf("the error does not begin with the option, or holds the secret: %v", err)
			}
		})
	}
}

func TestResolve_NamesWhatDoesNotResolve(t *testing.T) {
	os.Unsetenv("CONFIG_TEST_UNSET")
	_, err := Resolve("app_secret", "{env.CONFIG_TEST_UNSET}", AppSecret)
	if err == nil || !strings.Contains(err.Error(), "variable CONFIG_TEST_UNSET") {
		t.Errorf("got %v", err)
	}
}

func TestResolve_TakesNoFileOfLineEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Resolve("pages", "{file."+path+"}", noCheck)
	if err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("got %v", err)
	}
}

func noCheck(string) error { return nil }

func TestSingle_TakesOneValue(t *testing.T) {
	no := func(string) error { return errors.New("write something else") }
	for name, tt := range map[string]struct {
		input, before string
		check         Check
		want, err     string
	}{
		"one value":           {"scope a", "", noCheck, "a", ""},
		"a placeholder":       {"scope {env.X}", "", no, "{env.X}", ""},
		"no value":            {"scope", "", noCheck, "", "scope takes exactly one value"},
		"two values":          {"scope a b", "", noCheck, "", "scope takes exactly one value"},
		"given twice":         {"scope a", "b", noCheck, "b", "scope is given twice"},
		"a bad value":         {"scope a", "", no, "a", "scope: write something else"},
		"value on a new line": {"scope\na", "", noCheck, "", "scope takes exactly one value"},
	} {
		t.Run(name, func(t *testing.T) {
			d := caddyfile.NewTestDispenser("\n" + tt.input)
			d.Next()
			got := tt.before
			err := Single(d, &got, tt.check)
			if tt.err == "" {
				if err != nil || got != tt.want {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "Testfile:2") {
				t.Errorf("got %v, want %q with file and line", err, tt.err)
			}
		})
	}
}

func TestLiteral_IsCheckedWhereItStands(t *testing.T) {
	d := caddyfile.NewTestDispenser("a\nb\nc")
	for range 3 {
		d.Next()
	}
	err := Literal(d, "app_secret", "", AppSecret)
	if err == nil || !strings.Contains(err.Error(), "Testfile:3") || !strings.Contains(err.Error(), "app_secret") {
		t.Errorf("got %v", err)
	}
	if err := Literal(d, "app_secret", "{env.NOT_SET_YET}", AppSecret); err != nil {
		t.Errorf("a placeholder: %v", err)
	}
}
