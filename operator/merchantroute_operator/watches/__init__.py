"""What is watched beside routes and Merchants, and what all watches told compared with what the API server has."""
