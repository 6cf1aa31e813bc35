package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// program returns the path of a program that a test needs. Where it is missing the test is skipped, but not in `make
// test`, which installs what is needed.
func program(t *testing.T, name string) string {
	t.Helper()
	skipIfShort(t)
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("E2E_PROGRAMS") == "required":
		t.Fatalf("%s is missing, and make test could not install it", name)
	default:
		t.Skipf("skipped for want of %s", name)
	}
	return ""
}
