//go:build !linux

// Command load compares and soaks the built binary; it reads what processes use from /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "load: this reads what processes use from /proc, which only Linux has: "+
		"run it there, or in a container")
	os.Exit(1)
}
