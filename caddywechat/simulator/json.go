package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// readJSON reads the body of a control call.
func readJSON(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return decode(body, into)
}

// decode is strict: a misspelt name would otherwise be a fault that never happens. What body doesn't name keeps its
// value.
func decode(body []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return errors.New("the body is not one JSON object with " + strings.Join(memberNames(into), ", "))
	}
	possible := memberNames(into)
	for name, value := range members {
		if !slices.Contains(possible, name) {
			return fmt.Errorf("there is no %q: there are %s", name, strings.Join(possible, ", "))
		}
		if string(value) == "null" {
			return fmt.Errorf("%s is null: leave it out or give it a value", name)
		}
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		name := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return fmt.Errorf("%s is a %s: it should be a %s", name, wrong.Value, wrong.Type.Kind())
	}
	return err
}

// memberNames returns the names that a struct's fields have in JSON.
func memberNames(pointer any) []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(pointer).Elem()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only our own types come here
	}
	newResponse("application/json", string(body)+"\n", "").withStatus(status).write(w)
}
