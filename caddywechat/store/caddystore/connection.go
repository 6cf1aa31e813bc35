package caddystore

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/certmagic"
)

// Connection implements [store.Connected]: the folder of a storage on disk; for others the type of the storage and how
// it is configured, with whatever credentials are among that.
func (s *Store) Connection() string {
	if folder, ok := s.storage.(*certmagic.FileStorage); ok {
		if path, err := filepath.Abs(folder.Path); err == nil {
			return "caddy folder " + path
		}
		return "caddy folder " + folder.Path
	}
	// Caddy fills a module's exported fields with its configuration, so they say where the storage is. Of one that has
	// none only the type is known, which is enough: Caddy has one storage, and a reload seldom changes which.
	fields, _ := json.Marshal(s.storage)
	return fmt.Sprintf("caddy %T %s", s.storage, fields)
}
