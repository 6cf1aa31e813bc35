package e2e

import (
	"regexp"
	"testing"
)

func TestVersion_NamesBoth(t *testing.T) {
	t.Parallel()
	both := regexp.MustCompile(`^caddywechat (v\d+\.\d+\.\d+\S*|\(devel\))( [0-9a-f]{12}(\+modified)?)?, ` +
		`Caddy v2\.\d+\.\d+ h1:\S+\n$`)
	for _, arguments := range [][]string{{"version"}, {"--version"}} {
		if out, err := run(t, home(t), arguments...); err != nil || !both.MatchString(out) {
			t.Errorf("%s: %v %q", arguments, err, out)
		}
	}
}
