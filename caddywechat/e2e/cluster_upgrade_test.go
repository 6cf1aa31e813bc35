package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// previousBinary builds the program as it was where this branch began, or at the commit that E2E_PREVIOUS names, and
// keeps it in the folder bin: a commit does not change. Where
// that cannot be known the test is skipped.
func previousBinary(t *testing.T) string {
	t.Helper()
	skipIfShort(t)
	git := func(args ...string) (string, bool) {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, args...)...).Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	commit, ok := os.Getenv("E2E_PREVIOUS"), true
	if commit == "" {
		commit, ok = git("merge-base", "main", "HEAD")
	}
	if head, _ := git("rev-parse", "HEAD"); ok && commit == head {
		commit, ok = git("rev-parse", "HEAD~1")
	}
	if !ok {
		t.Skip("skipped for want of git history: a shallow clone has none; E2E_PREVIOUS may name a commit")
	}
	t.Logf("beside the program of commit %.12s", commit)
	program, err := filepath.Abs(fmt.Sprintf(
		root+"bin/previous/caddywechat-%.12s-%s%s", commit, runtime.Version(), strings.Join(raceFlag(), "")))
	if err != nil {
		t.Fatal(err)
	}
	if isFile(program) {
		return program
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "tree.tar")
	if _, ok := git("archive", "--output", archive, commit, "."); !ok {
		t.Skipf("skipped: git has no commit %s", commit)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", tree).CombinedOutput(); err != nil {
		t.Fatalf("unpacking %s: %v\n%s", commit, err, out)
	}
	built := fmt.Sprintf("%s-%d", program, os.Getpid()) // until it is complete
	args := append([]string{"build", "-o", built}, raceFlag()...)
	build := exec.Command("go", append(args, "./cmd/caddywechat")...)
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", commit, err, out)
	}
	if err := os.Rename(built, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// readsNoAttempt reports whether the program of before does not know attempts of this one. Then it begins the login
// afresh.
func readsNoAttempt(m *member) bool {
	m.cluster.t.Helper()
	a := m.open(0, m.toCallback(1, "/page"))
	if a.Next() == m.cluster.url(host, "/page") {
		return false
	}
	callback := m.open(anywhere, a.Next()).Next()
	if a := m.open(0, callback); a.Next() != m.cluster.url(host, "/page") {
		m.cluster.t.Errorf("begun afresh it ended at %q with status %d", a.Next(), a.StatusCode)
	}
	m.wantPage(0)
	m.wantPage(1)
	return true
}

// TestCluster_OfTwoVersionsIsOneSite is an upgrade that goes on: one instance runs the program of before, one this one,
// with the same key and store. What the one of before begins this one finishes, and the other way round where attempts
// have not changed.
func TestCluster_OfTwoVersionsIsOneSite(t *testing.T) {
	t.Parallel()
	previous := previousBinary(t)
	for name, options := range map[string]string{
		"made key": "",
		"Redis":    "session {\nkey {env.SESSION_KEY}\n}\nstore redis {env.REDIS_URL}",
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.redis, c.folder = startRedis(t), t.TempDir()
			c.add(1, previous, c.folder, c.caddyfile(options, defaultApp))
			c.add(1, binary(t), c.folder, c.caddyfile(options, defaultApp))
			c.start()
			for begin := range 2 {
				for callback := range 2 {
					m := c.member(fmt.Sprintf("upgraded-%d%d", begin, callback))
					if begin == 1 && callback == 0 && readsNoAttempt(c.member("probe")) {
						continue
					}
					m.login(begin, callback, 0)
					m.wantPage(1)
					// A callback that comes again, to the other one, ends the login, too.
					again := m.toCallback(begin, "/_wechat/login?account=official_account&return_to=/again")
					if a := m.open(1-callback, again); a.Next() != c.url(host, "/again") {
						t.Errorf("begun on %d, back on %d: redirected to %q", begin, 1-callback, a.Next())
					}
					m.wantPage(0)
					m.wantPage(1)
					// A logout makes the browser forget, whoever is asked.
					if a := m.open(callback, "/_wechat/logout", byALink...); a.StatusCode != http.StatusOK {
						t.Errorf("logout: status %d", a.StatusCode)
					}
					for at := range 2 {
						if a := m.open(at, "/page"); a.StatusCode != http.StatusFound {
							t.Errorf("after the logout, on %d: status %d", at, a.StatusCode)
						}
					}
				}
			}
			// The upgrade goes on: the previous program makes way, and nobody notices.
			stays := c.member("stays")
			stays.login(0, 0, 0)
			c.instances[0].stop()
			c.instances[0].binary = binary(t)
			c.instances[0].restart()
			stays.wantPage(0)
			stays.wantPage(1)
		})
	}
}
