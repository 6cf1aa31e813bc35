package simulator

import "crypto/rand"

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// randomText returns n random characters of [0-9A-Za-z].
func randomText(n int) string {
	text := make([]byte, 0, n)
	var b [64]byte
	for len(text) < n {
		rand.Read(b[:])
		for _, c := range b {
			// 6 bits have 64 values and there are 62 letters: the two others are drawn again, to be fair to each
			// letter.
			if i := int(c & 63); i < len(letters) && len(text) < n {
				text = append(text, letters[i])
			}
		}
	}
	return string(text)
}
