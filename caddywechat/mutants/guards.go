package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// switchName is the variable in an instrumented package that holds the id of the guard that is out.
const switchName = "mutantThatIsOut"

// equivalent starts a comment that leaves the guards of its line out.
const equivalent = "// mutants: equivalent, "

// mutant is a guard to take out.
type mutant struct {
	id   int
	pkg  *pkg
	file string // as it is printed
	line int
	what string
}

func (m mutant) String() string { return fmt.Sprintf("%s:%d\t%s", m.file, m.line, m.what) }

// insertion is a text to put before the byte at an offset.
type insertion struct {
	offset int
	text   string
}

// finder finds the guards of a file.
type finder struct {
	files    *token.FileSet
	pkg      *pkg
	name     string
	nextID   int
	lines    map[int]bool // whose guards are equivalent
	mutants  []mutant
	excluded int
	opening  []insertion // outer ones first
	closing  []insertion // outer ones first
}

// guards returns the guards of a file, numbered from nextID, and its source with a switch for each.
func guards(p *pkg, name string, source []byte, nextID int) (found []mutant, excluded int, out []byte, err error) {
	f := &finder{files: token.NewFileSet(), pkg: p, name: name, nextID: nextID, lines: make(map[int]bool)}
	file, err := parser.ParseFile(f.files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, 0, nil, err
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if why, ok := strings.CutPrefix(comment.Text, equivalent); ok && strings.TrimSpace(why) != "" {
				f.lines[f.files.Position(comment.Pos()).Line] = true
			}
		}
	}
	ast.Inspect(file, f.visit)
	return f.mutants, f.excluded, f.apply(source), nil
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.ForStmt:
		// Without a part of its head a loop seldom ends: that says little.
		ast.Inspect(n.Body, f.visit)
		return false
	case *ast.IfStmt:
		if isGuard(n) && !isOr(n.Cond) { // where it is, each operand is a guard
			f.add(n.Cond, "if "+f.text(n.Cond), "%s != %d && ")
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			f.cases(n.Body)
		}
	case *ast.BinaryExpr:
		f.operands(n)
	}
	return true
}

func (f *finder) cases(body *ast.BlockStmt) {
	for _, statement := range body.List {
		for _, condition := range statement.(*ast.CaseClause).List {
			if !isOr(condition) {
				f.add(condition, "case "+f.text(condition), "%s != %d && ")
			}
		}
	}
}

// operands takes out each operand of a chain of the same operator.
func (f *finder) operands(n *ast.BinaryExpr) {
	without := "%s == %d || " // true, which says nothing in a conjunction
	switch n.Op {
	case token.LAND:
	case token.LOR:
		without = "%s != %d && "
	default:
		return
	}
	for _, operand := range []ast.Expr{n.X, n.Y} {
		if inner, ok := operand.(*ast.BinaryExpr); ok && inner.Op == n.Op {
			continue // its operands are visited
		}
		f.add(operand, n.Op.String()+" "+f.text(operand), without)
	}
}

// add makes a mutant of a condition.
func (f *finder) add(condition ast.Expr, what, without string) {
	start, end := f.files.Position(condition.Pos()), f.files.Position(condition.End())
	if f.lines[start.Line] {
		f.excluded++
		return
	}
	m := mutant{id: f.nextID + len(f.mutants), pkg: f.pkg, file: f.name, line: start.Line, what: what}
	f.mutants = append(f.mutants, m)
	f.opening = append(f.opening, insertion{start.Offset, "(" + fmt.Sprintf(without, switchName, m.id) + "("})
	f.closing = append(f.closing, insertion{end.Offset, "))"})
}

// apply returns the source with the insertions, on the same lines.
func (f *finder) apply(source []byte) []byte {
	slices.Reverse(f.closing)
	all := append(slices.Clone(f.closing), f.opening...)
	slices.SortStableFunc(all, func(a, b insertion) int { return a.offset - b.offset })
	var out bytes.Buffer
	from := 0
	for _, i := range all {
		out.Write(source[from:i.offset])
		out.WriteString(i.text)
		from = i.offset
	}
	out.Write(source[from:])
	return out.Bytes()
}

// text returns an expression on one line.
func (f *finder) text(n ast.Node) string {
	var b bytes.Buffer
	if err := format.Node(&b, f.files, n); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// isGuard reports whether the body of a condition leaves, or the condition is that something failed.
func isGuard(n *ast.IfStmt) bool {
	if isErrorCheck(n.Cond) {
		return true
	}
	if len(n.Body.List) == 0 {
		return false
	}
	switch last := n.Body.List[len(n.Body.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		call, ok := last.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		name, ok := call.Fun.(*ast.Ident)
		return ok && name.Name == "panic"
	}
	return false
}

// isErrorCheck reports whether a condition is err != nil.
func isErrorCheck(condition ast.Expr) bool {
	comparison, ok := condition.(*ast.BinaryExpr)
	if !ok || comparison.Op != token.NEQ {
		return false
	}
	left, _ := comparison.X.(*ast.Ident)
	right, _ := comparison.Y.(*ast.Ident)
	return left != nil && right != nil && right.Name == "nil" && strings.HasPrefix(strings.ToLower(left.Name), "err")
}

// isOr reports whether a condition is a disjunction.
func isOr(condition ast.Expr) bool {
	comparison, ok := ast.Unparen(condition).(*ast.BinaryExpr)
	return ok && comparison.Op == token.LOR
}
