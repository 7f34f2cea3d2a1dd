package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Find returns the Go files that patterns name below dir, sorted and with paths as the patterns begin. A pattern is a
// file, a directory, or a directory followed by /... for all below it, where vendored code, test data, hidden
// directories and nested modules are left out as the go command does; nested are the directories of the latter. Build
// constraints leave nothing out.
func Find(dir string, patterns []string) (files, nested []string, err error) {
	for _, pattern := range patterns {
		root, deep := strings.CutSuffix(filepath.ToSlash(pattern), "/...")
		if pattern == "..." {
			root, deep = ".", true
		}
		if deep && root == "" {
			root = "/"
		}
		f, n, err := findIn(dir, filepath.FromSlash(root), deep)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", pattern, err)
		}
		files, nested = append(files, f...), append(nested, n...)
	}
	slices.Sort(files)
	slices.Sort(nested)
	return slices.Compact(files), slices.Compact(nested), nil
}

func findIn(dir, root string, deep bool) (files, nested []string, err error) {
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	info, err := os.Stat(at(root))
	if err != nil {
		return nil, nil, notAPath(root, err)
	}
	if !info.IsDir() {
		return []string{root}, nil, nil
	}
	err = filepath.WalkDir(at(root), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(at(root), name)
		if err != nil {
			return err
		}
		switch path := filepath.Join(root, rel); {
		case d.IsDir() && rel == ".":
		case d.IsDir() && (!deep || left(d.Name())):
			return fs.SkipDir
		case d.IsDir() && exists(filepath.Join(name, "go.mod")):
			nested = append(nested, path)
			return fs.SkipDir
		case d.Type().IsRegular() && filepath.Ext(name) == ".go":
			files = append(files, path)
		}
		return nil
	})
	return files, nested, err
}

// notAPath explains what is most likely meant by a name that is not there.
func notAPath(root string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(root, ".") && !strings.HasPrefix(root, ".") {
		return fmt.Errorf("%w: give directories, like ./..., not import paths", err)
	}
	return err
}

// left says whether ./... leaves out directories of that name.
func left(name string) bool {
	return name == "vendor" || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// Replace writes new content to a file. The file has either the old or the new content at any moment, and keeps its
// permissions.
func Replace(name string, content []byte) (err error) {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
