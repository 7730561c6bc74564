from genai_scaffold.cli import main

main()
