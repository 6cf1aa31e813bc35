package redis

import "testing"

func TestConnection_IsOfTheURLInOneForm(t *testing.T) {
	of := func(url string) string {
		t.Helper()
		if err := checkURL(url); err != nil {
			t.Fatal(err)
		}
		return (&Store{url: url}).Connection()
	}
	for one, other := range map[string]string{
		"redis://Host":                       "redis://host:6379/0",
		"redis://u:p%40s@h:6379":             "redis://u:p%40s@h",
		"redis://h:1?addr=i:2&addr=j:3":      "redis://j:3?addr=h:1&addr=i:2",
		"rediss://:p@h/":                     "rediss://:p@h:6379",
		"redis://s:1?master_name=m&addr=r:2": "redis://r:2?addr=s:1&master_name=m",
	} {
		if of(one) != of(other) {
			t.Errorf("%s is another place than %s: %q, %q", one, other, of(one), of(other))
		}
	}
	all := []string{
		"redis://h", "rediss://h", "redis://h:1", "redis://i", "redis://h/1", "redis://:p@h", "redis://u:p@h",
		"redis://:q@h", "redis://h?addr=h:6379", "redis://h?addr=i:1", "redis://h?master_name=m",
		"redis://h?master_name=n", "redis://:p@h?master_name=m", "redis://h?master_name=m&password=p",
		"redis://h?master_name=m&username=u&password=p",
	}
	seen := make(map[string]string)
	for _, url := range all {
		if other, ok := seen[of(url)]; ok {
			t.Errorf("%s and %s are the same place", url, other)
		}
		seen[of(url)] = url
	}
}
