import '../design/base.css';
