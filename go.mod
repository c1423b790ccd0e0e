module scxdiag

go 1.26
