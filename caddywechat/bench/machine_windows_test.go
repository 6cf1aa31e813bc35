package bench

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }

// offHeap returns memory, here on the heap.
func offHeap(size int) []byte { return make([]byte, size) }
