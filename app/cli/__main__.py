from app.cli import main

if __name__ == "__main__":  # a process that `plinth dev` starts for the API reads this file, too
    main()
