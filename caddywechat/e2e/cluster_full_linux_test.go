package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestCluster_SurvivesAFullFolder needs a file system of its own.
func TestCluster_SurvivesAFullFolder(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.folder = t.TempDir()
	if err := syscall.Mount("none", c.folder, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		t.Skipf("skipped: only root can make a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(c.folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	c.add(3, binary(t), c.folder, c.caddyfile("", defaultApp))
	c.start()
	ballast := filepath.Join(c.folder, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for block := make([]byte, 4096); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		for _, i := range c.instances {
			i.revoke("--user", "nobody")
		}
	}
	c.tryFaults(c.traffic(12), []fault{
		{name: "the folder is full", begin: fill, end: func() { os.Remove(ballast) }, lasts: 2 * time.Second},
	})
}
